"""The first tables."""

from alembic import op

from dutchbook.storage.sql.tables import METADATA

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
    op.execute("INSERT INTO projected (one, seq, chain) VALUES (1, 0, '')")


def downgrade() -> None:
    METADATA.drop_all(op.get_bind())
