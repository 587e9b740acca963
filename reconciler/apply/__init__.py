"""The fifth stage: a plan -> its outcome. Everything with an effect is here."""
