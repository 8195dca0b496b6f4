"""One module a family of architectures; each registers the model types that it reads."""
