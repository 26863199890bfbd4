## 账单在日志中的位置
proof = 日志中的记录
proof-stands = 本账单是本站日志 { $size } 个事件中的第 { $position } 个。
proof-leaf = 账单的哈希值
proof-root = 全部事件的根哈希
proof-means = 证明文件包含账单存储时的原样，以及从它到根的路径旁的各个哈希值。知道根哈希的人可据此重新计算核对；哈希值不会透露他人的用电情况。
proof-download = 下载证明（JSON）

## 证据文件
bundle = 证据文件
bundle-lead = 本站全部事件按顺序、以存储时的原样写入一个文件，并附根哈希。重新计算每张账单所需的一切都在其中，包括时区数据；因此也包含所有人的读数。
bundle-size = 事件数
bundle-verify = 无需本服务，可在任何地方核验：tallywatt verify 文件
bundle-not = 文件尚无签名：只有在别处记下了根哈希，才能说明他人看到的是同一份日志。签名检查点、见证方和可自证的账单是以后的步骤。
bundle-download = 下载证据文件
