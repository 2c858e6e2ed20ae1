"""What an article is about, as a vector: computed once, in processes of its own."""
