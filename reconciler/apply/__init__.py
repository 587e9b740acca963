"""The fifth stage: a plan -> what became of it. Everything with an effect is here."""
