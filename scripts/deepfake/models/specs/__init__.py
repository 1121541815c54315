"""One record a model, `SPEC`, beside its mathematics in the module of the same name in `models`."""
