"""Check the page's own scripts as their authors would see them: types by JSDoc, and lint.

Both tools come from npm at the versions and hashes of ``requirements/node``; ``make unit`` installs them.
"""
