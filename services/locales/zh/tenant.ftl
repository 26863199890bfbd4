## 余额
balance = 余额
balance-until = 约到 { $date }
balance-empty = 已用完
balance-remaining = 剩余电量
balance-price-note = 不含公摊和固定费用。
balance-days = 剩余天数
balance-days-mean = 按最近 7 天的用量
as-of = 截至 { $time }，{ $ago }
as-of-none = 尚无读数
as-of-old = 电表自 { $time } 起无应答（{ $ago }）。期间用电将在恢复后补记。

## 供电
supply = 供电
supply-connected = 已通电
supply-disconnected = 已断电
supply-ready = 可以合闸
supply-unknown = 不受控
supply-good = 没有欠费，供电照常。
supply-pending-open = 正在断电，自 { $time } 起等待
supply-pending-close = 正在恢复供电，自 { $time } 起等待
supply-uncontrolled = 您的电表没有安装开关，不会从这里断电。

## 今天
today = 今天
today-total = 至今 { $kwh } 千瓦时
day-total = { $kwh } 千瓦时
today-yesterday = 昨天此时：{ $kwh } 千瓦时
day-before-line = 前一天
chart-day = { $date } 每刻钟用电（千瓦时）
chart-month = { $month } 每日用电（千瓦时）
as-table = 显示为表格
interpolated = 插补 { $length }
interpolated-note = 有 { $length } 没有读数，这段时间的用电按前后读数平均分摊。
col-hour = 时间
col-day = 日
col-period = 时段
col-kwh = 千瓦时
col-amount = 金额
col-total = 合计
col-date = 日期
col-state = 状态
no-use = 还没有用电。
day-prev = 前一天
day-next = 后一天
month-prev = 上个月
month-next = 下个月

## 月
this-month = 本月
tiers = 阶梯电价
tier-name = 第 { $number } 档
tier-price = 每千瓦时 { $price }
tier-of = { $used } / { $bound } 千瓦时
tier-left = 距下一档 { $kwh } 千瓦时

## 充值
payments = 充值
payments-none = 还没有充值。
payments-all = 全部充值

## 账单
bills = 账单
bills-none = 还没有账单。第一张在月末之后出具。
bills-all = 全部账单
bill = 账单 { $number }
bill-title = { $month }账单
bill-issued = 出具于 { $date }
bill-print = 打印
bill-indoor = 室内用电
bill-shared = 公摊费用
bill-adjustments = 以前月份的调整
bill-summary = 汇总
bill-opening = 期初余额
bill-recharges = 充值
bill-postings = 手工入账
bill-tax = { $name } { $rate }
bill-tax-included = 其中含 { $name } { $rate }
bill-closing = 期末余额
bill-charges = 本月费用
bill-silent = { $points } 月末没有读数，缺少的部分以后调整。
bill-chart-check = 各柱之和等于本账单的 { $kwh } 千瓦时。
col-what = 项目
col-quantity = 数量
col-price = 单价

## More of supply
supply-rule = 规则
supply-off = 已断电。付清欠费后很快恢复供电。
supply-ready-lead = 付款已到账，请您确认后恢复供电。
supply-held = 暂缓原因
supply-cut-by = 原因
supply-by-balance = 余额用尽
supply-by-person = 由物业断开
supply-cut-at = 断电时间
supply-protected = 您的供电不会被切断
hold-policy = 规则不允许
hold-need = 没有欠费
hold-protected = 该供电不会被切断
hold-fresh = 读数过旧
hold-link = 电表无应答
hold-persons = 需要第二人批准
hold-dispute = 有未结投诉
hold-weather = 极端天气
hold-window = 此时段不断电
hold-notice = 提醒时间不足
hold-blast-radius = 同时断电过多
hold-retry = 刚刚尝试过
hold-tenant-confirmed = 等待您的确认
hold-staggered = 依次恢复，请稍候

## More of bills and use
usage = 用电
usage-by-day = 按日
bill-open = 至今
bill-open-note = 本月尚未出账：以下为截至目前的项目。
bill-held = 此账单暂缓：{ $reasons }。
cash-recharge = 充值
cash-refund = 退款
cash-reversal = 冲正
cash-posting = 手工入账
cash-credited = 已到账
shared-kwh = { $kwh } 千瓦时
own-kwh = { $kwh } 千瓦时
pool-line = 在 { $total } 千瓦时、{ $sum } 中您的份额（{ $rule }）
rule-versions = 规则第 { $versions } 版
line-working = { $quantity } { $unit } × { $price } = { $amount }
line-working-days = { $quantity } { $unit } × { $price } × { $days } / { $of } 天 = { $amount }
line-interpolated = 其中 { $kwh } 千瓦时为插补：该时段没有读数。
unit-kWh = 千瓦时
unit-kW = 千瓦
unit-day = 天
unit-month = 月
component-energy = 电量
component-adder = 附加费
component-demand = 需量
component-fixed = 固定费
component-minimum = 最低消费
component-surcharge = 附加费
component-rounding = 尾差
component-share = 公摊
col-month = 月
col-charges = 费用
col-shared = 公摊
col-reference = 凭证
tier-now = 当前
tiers-of = 本{ $window }已用 { $used } 千瓦时
window-month = 月
window-year = 年
window-day = 日
window-none = 租期
payments-lead = 收到的和退回的款项。
own-and-shared = 室内 { $indoor }，公摊 { $shared }
line-how = 计算过程
line-tier = 第 { $number } 档
line-tariff = 电价 { $tariff }，第 { $version } 版
line-title = 第 { $number } 行
line-readings = 查看读数
month-whole = 查看全月
day-table = 当月各日
