"""The pictures of the book that no chapter computes: three films and those of the front page.

``python tools/pictures`` makes them all anew.
"""
