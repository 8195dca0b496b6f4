"""What each engine calls the longest context of a request."""

CONTEXT_FLAGS = {
    "vllm": "max_model_len",
    "sglang": "context_length",
    "trtllm": "max_seq_len",
    "llama.cpp": "n_ctx",
    "mlx": "max_kv_size",
    "generic": "max_model_len",
    "ollama": "num_ctx",
}
EVERY_CONTEXT_FLAG = tuple(dict.fromkeys(CONTEXT_FLAGS.values()))
