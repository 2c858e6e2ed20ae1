"""Records of vectors: what is one of its article."""

from typing import Any

import pytest

from news_related.neighbours.vector_projection import decode_vector
from news_shared.errors import PoisonError
from tests.related.builders import a_vector, id_of


@pytest.mark.parametrize("wrong", [{"scale": 1.5}, {"article": id_of("g2")}, {"dimensions": 3}])
def test_what_is_no_vector_of_this_article_is_poison(wrong: dict[str, Any]) -> None:
    vector = a_vector("g1", 1, 2)
    assert decode_vector(vector.article.encode(), vector.encode()).vector is not None
    assert decode_vector(vector.article.encode(), None).vector is None
    with pytest.raises(PoisonError):
        decode_vector(vector.article.encode(), vector.model_copy(update=wrong).encode())
    with pytest.raises(PoisonError):
        decode_vector(b"\xff", vector.encode())
