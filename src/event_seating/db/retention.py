"""How long an answer is kept for a call that is repeated.

Pure, so that the writer of the seat log, which knows no database, can read it.
"""

from typing import Final

ANSWERS_KEPT_MS: Final = 24 * 3_600_000
"""How long a repeated call gets the first answer: whoever lost it asks again within minutes."""
