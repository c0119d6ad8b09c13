"""Pictures before and after, on HTML pages that need no network and on sheets."""
