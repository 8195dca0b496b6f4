"""Vision and audio towers, and the projectors that lead from them into the text model.

A tower is weights only: text tokens never meet it, so it adds parameters and bytes, and no FLOPs or cache.
"""
