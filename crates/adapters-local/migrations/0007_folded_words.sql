-- Words and tags are the same however their marks are written: all images are entered anew, and counted from nothing.
DELETE FROM facet_counts;
