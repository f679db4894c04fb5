{
  description = "One login for everything that talks to Hex";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      each = nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      build = pkgs: pkgs.python3Packages.buildPythonApplication {
        pname = "hexauth";
        version = builtins.head
          (builtins.match ".*__version__ = \"([^\"]+)\".*" (builtins.readFile ./hexauth/__init__.py));
        pyproject = true;
        src = ./.;
        build-system = [ pkgs.python3Packages.hatchling ];
        dependencies = with pkgs.python3Packages; [
          click cryptography h11 keyring platformdirs portalocker requests segno tomlkit truststore
        ] ++ pkgs.lib.optionals pkgs.stdenv.hostPlatform.isLinux [ jeepney secretstorage ];
        # The suite needs real browsers, keyrings and registries: .ci/run runs it.
        doCheck = false;
        pythonImportsCheck = [ "hexauth.library" ];
        meta = {
          description = "One login for everything that talks to Hex";
          license = pkgs.lib.licenses.asl20;
          mainProgram = "hexauth";
        };
      };
    in
    {
      packages = each (system: { default = build nixpkgs.legacyPackages.${system}; });
    };
}
