"""The sixth stage: plan and outcomes -> what people and machines see."""
