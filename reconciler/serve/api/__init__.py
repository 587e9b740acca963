"""The JSON API, `/api/v1`: one table of operations, from which its document is made, too."""
