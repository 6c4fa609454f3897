"""Files of results: how they are written, sealed and read, and what they say of where they come
from.

Imports nothing of the project but `errors`. Start with `records`, which writes and checks a file;
`replacing` names files, `provenance` tells what made one, and `code` which code that was.
"""
