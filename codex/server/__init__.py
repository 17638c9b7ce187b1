"""FastAPI routes over the workbench."""
