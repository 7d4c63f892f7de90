"""The steps from every older library to the present one, run by `db.schema`.

A new step: write `versions/000N_<noun>.py` beside the others, change `db/tables.py` to match, set
`db.schema.HEAD`, and put a library of the older version into the tests. Steps import nothing of the program:
they must still mean the same when the program has moved on.
"""
