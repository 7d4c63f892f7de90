"""The store: people, photos, faces and their journal in one SQLite file.

`db.store.open_store` opens it; everything that comes out is a record of `faceapp.types`.
"""
