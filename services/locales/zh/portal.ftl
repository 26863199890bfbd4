lang = zh-CN
skip = 跳到正文
nav = 页面
sign-out = 退出

## 日期和时长
date = { $month }{ $day }日 { $weekday }
date-short = { $day }日 { $weekday }
month = { $year }年{ $month }
weekday-mon = 周一
weekday-tue = 周二
weekday-wed = 周三
weekday-thu = 周四
weekday-fri = 周五
weekday-sat = 周六
weekday-sun = 周日
weekday-holiday = 节假日
month-1 = 1月
month-2 = 2月
month-3 = 3月
month-4 = 4月
month-5 = 5月
month-6 = 6月
month-7 = 7月
month-8 = 8月
month-9 = 9月
month-10 = 10月
month-11 = 11月
month-12 = 12月
ago-now = 刚刚
ago-minutes = { $count } 分钟前
ago-hours = { $count } 小时前
ago-days = { $count } 天前
length-hours = { $hours } 小时
length-minutes = { $minutes } 分钟
length-both = { $hours } 小时 { $minutes } 分钟
length-days = { $days } 天

## 常见的时段名
period-all = 全天
period-day = 日间
period-night = 夜间
period-peak = 高峰
period-offpeak = 非高峰
period-valley = 低谷
period-flat = 平段
period-sharp = 尖峰
period-high = 高
period-low = 低
period-weekend = 周末

## 登录
sign-in-title = 登录
sign-in-lead = 查看余额、用电和账单。
sign-in-user = 用户名
sign-in-password = 密码
sign-in-button = 登录
sign-in-refused = 用户名或密码不对。请检查，或索取一次性登录链接。
sign-in-locked = 尝试次数过多，请在 { $until } 后再试。
sign-in-link = 没有密码？楼宇管理员可以给您发送一次性登录链接。
link-title = 欢迎
link-lead = 此链接在本设备上只能登录一次。
link-button = 继续
link-refused = 此链接已使用或已过期，请向楼宇管理员索取新的链接。
no-account = 还没有向您开放任何内容，请联系楼宇管理员。

## 错误
error-not-found = 没有这个页面
error-not-found-mend = 页面可能已移走，或者您无权查看。
error-forbidden = 您无权查看
error-forbidden-mend = 您的角色不包含此权限，请联系楼宇管理员。
error-stale = 表单已过期
error-stale-mend = 请返回并刷新页面后重新提交。没有做任何更改。
error-unready = 暂时不可用
error-unready-mend = 数据不会丢失，请一分钟后再试。
error-home = 返回首页

## 页面
place-home = 首页
place-usage = 用电
place-bills = 账单
place-payments = 充值
place-site = 楼宇
place-audit = 审计
place-books = 账簿
choose = 请选择
