"""Sightings, visitors, groups and cameras."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "merger",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("into_id", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_merger"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_merger_person_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["into_id"], ["person.id"], name="fk_merger_into_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_merger_into_id", "merger", ["into_id"])
    op.create_index(
        "uq_merger_person_id_active", "merger", ["person_id"], unique=True, sqlite_where=sa.text("active = 1")
    )
    op.create_table(
        "visitor",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_visitor"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_visitor_person_id", ondelete="SET NULL"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_visitor_person_id", "visitor", ["person_id"])
    op.create_table(
        "sighting",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("folded_source", sa.Text, nullable=False),
        sa.Column("first", sa.DateTime, nullable=False),
        sa.Column("last", sa.DateTime, nullable=False),
        sa.Column("person_id", sa.Integer),
        sa.Column("visitor_id", sa.Integer),
        sa.Column("distance", sa.Float),
        sa.PrimaryKeyConstraint("id", name="pk_sighting"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_sighting_person_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["visitor_id"], ["visitor.id"], name="fk_sighting_visitor_id"),
        sqlite_autoincrement=True,
    )
    for column in ("first", "last", "person_id", "visitor_id"):
        op.create_index(f"ix_sighting_{column}", "sighting", [column])
    op.create_table(
        "sighted_face",
        sa.Column("sighting_id", sa.Integer, nullable=False),
        sa.Column("model_key", sa.String(100), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sighting_id", name="pk_sighted_face"),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sighting.id"], name="fk_sighted_face_sighting_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sighted_face_model_key", "sighted_face", ["model_key"])
    op.create_table(
        "person_group",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person_group"),
        sa.UniqueConstraint("folded", name="uq_person_group_folded"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "person_id", name="pk_group_member"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["person_group.id"], name="fk_group_member_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_group_member_person_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_member_person_id", "group_member", ["person_id"])
    op.create_table(
        "camera",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_camera"),
        sa.UniqueConstraint("folded", name="uq_camera_folded"),
        sa.UniqueConstraint("address", name="uq_camera_address"),
        sqlite_autoincrement=True,
    )
    revision_table = op.create_table(
        "sighting_revision",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sighting_revision"),
        sa.CheckConstraint("id = 1", name="ck_sighting_revision_one_row"),
    )
    op.bulk_insert(revision_table, [{"id": 1, "number": 0}])
