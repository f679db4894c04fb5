"""Never twice: a login's token, wherever it is; renewing it, asking a person, ending it."""
