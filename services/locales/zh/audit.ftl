## 账单在日志中的位置
proof = 日志中的记录
proof-stands = 本账单是本站日志 { $size } 个事件中的第 { $position } 个。
proof-leaf = 账单的哈希值
proof-root = 全部事件的根哈希
proof-means = 证明文件包含账单存储时的原样，以及从它到根的路径旁的各个哈希值。知道根哈希的人可据此重新计算核对；哈希值不会透露他人的用电情况。
proof-download = 下载证明（JSON）
