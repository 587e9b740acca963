"""The nouns: frozen values without behaviour of their own.

Nothing but the standard library, and msgspec where there are very many of them.
"""
