"""What a run is given from outside: settings, git's configuration, HTTP, time, the screen."""
