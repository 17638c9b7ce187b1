"""The lock around imports of scipy, scikit-learn and venn_abers, which load only where they are needed."""

import threading

IMPORTS = threading.RLock()
"""Held by whoever imports a part of them. Of two threads that enter these packages at different modules one
else gets a module that is half imported: "cannot import name 'clone' from partially initialized module"."""
