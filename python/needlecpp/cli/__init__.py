"""The command ``needlecpp``: train, evaluate and render scenes. Start reading at ``app.py``."""
