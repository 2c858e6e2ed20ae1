"""Names of the projection of ``news.views``, for those who read what it writes."""

GROUP = "news.views-projector"
SERVICE = "views"
