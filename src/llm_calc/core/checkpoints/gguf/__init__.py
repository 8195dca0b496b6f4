"""What GGUF files hold: from their keys and the list of their tensors to a model and the format of each tensor."""
