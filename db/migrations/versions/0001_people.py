"""People, photos, faces, journal and imports."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("first_name", sa.String(200), nullable=False),
        sa.Column("surname", sa.String(200), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("folded_note", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_person_folded_active", "person", ["folded"], unique=True, sqlite_where=sa.text("active = 1")
    )
    op.create_table(
        "photo",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_photo"),
        sa.UniqueConstraint("sha256", name="uq_photo_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "face",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("photo_id", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("x1", "y1", "x2", "y2")),
        sa.Column("landmarks", sa.LargeBinary, nullable=False),
        *(
            sa.Column(name, sa.Float, nullable=False)
            for name in ("size", "sharpness", "brightness", "contrast", "yaw", "pitch", "roll", "score")
        ),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_face"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_face_person_id"),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name="fk_face_photo_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_face_person", "face", ["person_id", "active", "photo_id"])
    op.create_index("ix_face_photo", "face", ["photo_id", "active"])
    op.create_table(
        "crop",
        sa.Column("face_id", sa.Integer, nullable=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("face_id", name="pk_crop"),
        sa.ForeignKeyConstraint(["face_id"], ["face.id"], name="fk_crop_face_id", ondelete="CASCADE"),
    )
    op.create_table(
        "embedding",
        sa.Column("face_id", sa.Integer, nullable=False),
        sa.Column("model_key", sa.String(100), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("face_id", "model_key", name="pk_embedding"),
        sa.ForeignKeyConstraint(["face_id"], ["face.id"], name="fk_embedding_face_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_embedding_model_key", "embedding", ["model_key"])
    op.create_table(
        "rejection",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("model_key", sa.String(100), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejection"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_rejection_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rejection_person_id", "rejection", ["person_id"])
    op.create_index("ix_rejection_model_key", "rejection", ["model_key"])
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint("position", name="uq_journal_position"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "change",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("journal_id", sa.Integer, nullable=False),
        sa.Column("table_name", sa.String(30), nullable=False),
        sa.Column("row_id", sa.Integer, nullable=False),
        sa.Column("created", sa.Boolean, nullable=False),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journal.id"], name="fk_change_journal_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_change_journal", "change", ["journal_id", "table_name", "row_id"])
    op.create_table(
        "import",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("started", sa.DateTime, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("journal_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_import"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_import_root", "import", ["root"])
    op.create_table(
        "import_item",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_ns", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("code", sa.String(50), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_item"),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name="fk_import_item_import_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_import_item_import_id", "import_item", ["import_id"])
    op.create_index(
        "uq_import_item_path_active", "import_item", ["import_id", "path"],
        unique=True, sqlite_where=sa.text("active = 1"),
    )
    revision_table = op.create_table(
        "revision",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        sa.CheckConstraint("id = 1", name="ck_revision_one_row"),
    )
    op.bulk_insert(revision_table, [{"id": 1, "number": 0}])
