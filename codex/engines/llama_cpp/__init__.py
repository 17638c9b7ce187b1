"""llama.cpp in process, through xllamacpp."""
