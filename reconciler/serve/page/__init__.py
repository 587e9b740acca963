"""The web page: the JSON API's views, rendered on the server; works without a script."""
