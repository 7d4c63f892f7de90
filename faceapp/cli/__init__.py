"""The command line: the same services as the window, in a terminal.

Every command ends with 0 (done), 1 (refused: the sentence is on standard error) or 2 (wrong usage). With
`--json` there is one JSON document on standard output and nothing else: the result, or
`{"error": {"code", "message", "hint"}}` when the command was refused.
"""
