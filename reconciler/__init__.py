"""Declarative GitOps for kanade fleets."""

__version__ = "0.1.0"
