"""People whose faces nobody may swap, and points placed by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBERS = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))


def upgrade() -> None:
    _add_no_swap()
    op.create_table(
        "placed_points",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("face_id", sa.Integer, nullable=False),
        sa.Column("points", sa.LargeBinary, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_placed_points"),
        sa.ForeignKeyConstraint(
            ["face_id"], ["face.id"], name="fk_placed_points_face_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_placed_points_face_id_active", "placed_points", ["face_id"],
        unique=True, sqlite_where=sa.text("active = 1"),
    )


def _add_no_swap() -> None:
    """The table is made anew, so that it is written as in a new file; its numbers go on where they were, or
    the number of a person who was forgotten would be given again."""
    connection = op.get_bind()
    person = NUMBERS.c.name == "person"
    last = connection.scalar(sa.select(NUMBERS.c.seq).where(person))
    with op.batch_alter_table(
        "person", recreate="always", table_kwargs={"sqlite_autoincrement": True}
    ) as table:
        table.add_column(
            sa.Column("no_swap", sa.Boolean, nullable=False, server_default=sa.text("0")),
            insert_after="created",
        )
    connection.execute(sa.delete(NUMBERS).where(person))
    if last is not None:
        connection.execute(sa.insert(NUMBERS).values(name="person", seq=last))
