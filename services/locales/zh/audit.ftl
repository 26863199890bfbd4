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

## 何时知道什么
known = 何时知道什么
known-lead = 只按日志在某一时刻已知的事实给出同样的数字，不管之后又来了什么；并列出两个时刻之间变了什么、由哪个事件、由谁、为什么。
known-question = 查询
known-how = 留空表示现在。可写本站时间（如 2026-03-05T14:00）、日期（算到当日结束）或事件编号。
known-about = 内容
known-rules = 电价与分摊规则
known-pool = 公摊某日
known-bill = 账单
known-balance = 账户
known-day = 针对日期
known-at = 当时已知（时刻）
known-other = 与此时刻已知的比较
known-by = 截至 { $time } 已知，事件至第 { $position } 个
known-unreadable = 这不是时间、日期或事件编号，或日期有误。
known-nothing = 当时对此还一无所知。请写更晚的时刻，或换一个日期。
known-tariffs = 各计量点的电价
known-pools = 各公摊的规则
known-number = 账单编号
known-no-row = 到那时没有任何入账。
known-differs = 不同之处
known-same = 没有不同。
known-between = 其间到来的事实
known-readings = 除这些事实外，其间还到来 { $count } 个读数事件；迟到的读数也会改变某一日。
known-point = 计量点
known-tariff = 电价
known-version = 版本
known-since = 自
known-pool-name = 公摊
known-rule = 规则
known-line = 行

## 银行对账单
bank = 银行对账单
bank-lead = 把对账单与日志对照：哪些出现两次、哪些无人认领、哪些银行没有。
bank-paper = 对账单
bank-paper-lead = CAMT.053（XML），或 CSV：须有 date、amount 列，可有 reference、bank、text 列；每次约 100 kB 以内。仅查看不会入账。
bank-statement = 对账单：粘贴内容，或选择文件
bank-columns = CSV 列的其他名称，如 date=Booked,amount=Amount（可不填）
bank-look = 对照
bank-unreadable = 对账单第 { $line } 行无法读取。
bank-refused = 有一笔进账无法受理，没有任何入账。
bank-known = 全部已在日志中，没有新增。
bank-posted = { $count } 笔款项已转入待认领。
bank-sums = 合计
bank-agrees = 对账单与日志一致。
bank-differs = 对账单与日志不一致。
bank-unsaid = 未注明
bank-balances = 期初 { $opening }，贷方 { $credits }，借方 { $debits }，期末 { $closing }
bank-will = 尚未入账。{ $count } 笔共 { $sum } 无人认领的进账将转入待认领，每笔只记一次，之后可归入账户。
bank-may = 尚未入账。{ $count } 笔共 { $sum } 无人认领的进账可由管理员转入待认领。
bank-post = 转入待认领
bank-count = 行数
bank-matched = 相符
bank-other-amount = 金额不符
bank-unmatched = 无人认领
bank-duplicate = 出现两次
bank-missing = 对账单上没有
bank-missing-lead = 在对账单涵盖的日期内，日志有而银行没有的款项。
bank-rows = 明细
bank-no-row = 对账单没有明细。
bank-line = 行
bank-text = 摘要
bank-ours = 日志中的记录

## 某日的预收余额
owed-open = 费用已入账至 { $day }：此后的用电尚未计入这些余额。
