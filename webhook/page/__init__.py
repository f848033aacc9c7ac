"""Views as HTML: templates, stylesheet, server-drawn pictures. Nothing here looks anything up."""
