room-on = 正常
room-low = 余额低
room-cut = 已断电
room-silent = 无应答
room-vacant = 空置
