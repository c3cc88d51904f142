"""The fused model as one GGUF file, which llama.cpp, Ollama, LM Studio and many others load."""
