room-on = on
room-low = low
room-cut = cut
room-silent = silent
room-vacant = vacant
