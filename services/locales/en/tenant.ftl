## The balance
balance = Balance
balance-until = until about { $date }
balance-empty = Used up
balance-remaining = Energy left
balance-price-note = Shared and fixed costs are not in it.
balance-days = Days left
balance-days-mean = at the pace of the last 7 days
as-of = As of { $time }, { $ago }
as-of-none = No reading yet
as-of-old = Meters have been silent since { $time } ({ $ago }). What you use meanwhile is added when they answer.

## Supply
supply = Supply
supply-connected = On
supply-disconnected = Off
supply-ready = Ready to switch on
supply-unknown = Not under control
supply-good = Nothing is due. Supply stays on.
supply-pending-open = Switching off, pending since { $time }
supply-pending-close = Switching on, pending since { $time }
supply-uncontrolled = No switch is installed for your meter. Supply is not cut from here.

## Today
today = Today
today-total = { $kwh } kWh so far
day-total = { $kwh } kWh
today-yesterday = Yesterday by now: { $kwh } kWh
day-before-line = the day before
chart-day = Energy by quarter hours, in kWh, { $date }
chart-month = Energy by day, in kWh, { $month }
as-table = Show as a table
interpolated = interpolated { $length }
interpolated-note = For { $length } no reading came. The energy of that time is spread evenly between the readings around it.
col-hour = Hour
col-day = Day
col-period = Period
col-kwh = kWh
col-amount = Amount
col-total = Total
col-date = Date
col-state = State
no-use = No use yet.
day-prev = The day before
day-next = The day after
month-prev = The month before
month-next = The month after

## Month
this-month = This month
tiers = Price tiers
tier-name = Tier { $number }
tier-price = { $price } per kWh
tier-of = { $used } of { $bound } kWh
tier-left = { $kwh } kWh to the next price

## Payments
payments = Payments
payments-none = No payment yet.
payments-all = All payments

## Bills
bills = Bills
bills-none = No bill yet. The first is issued after the month's end.
bills-all = All bills
bill = Bill { $number }
bill-title = Bill of { $month }
bill-issued = Issued { $date }
bill-print = Print
bill-indoor = Your own use
bill-shared = Shared costs
bill-adjustments = Adjustments of earlier months
bill-summary = Summary
bill-opening = Opening balance
bill-recharges = Payments
bill-postings = Postings
bill-tax = { $name } { $rate }
bill-tax-included = of which { $name } { $rate }, included
bill-closing = Closing balance
bill-charges = Charges of the month
bill-silent = No reading at the month's end from { $points }. What is missing comes as an adjustment.
bill-chart-check = The bars add up to the { $kwh } kWh of this bill.
col-what = What
col-quantity = Quantity
col-price = Price

## More of supply
supply-rule = Rule
supply-off = Supply is off. It comes back soon after a payment that covers what is due.
supply-ready-lead = Your payment has arrived. Supply comes back once you confirm.
supply-held = What holds it
supply-cut-by = Why
supply-by-balance = The balance was used up
supply-by-person = Switched off by the building's management
supply-cut-at = Switched off
supply-protected = Your supply is never cut
hold-policy = The rules do not allow it
hold-need = Nothing is due
hold-protected = This supply is never cut
hold-fresh = Readings are too old
hold-link = The meter does not answer
hold-persons = A second person has to approve
hold-dispute = A complaint is open
hold-weather = Extreme weather
hold-window = No cut at this time of day
hold-notice = The warning was not long enough ago
hold-blast-radius = Too many at once
hold-retry = Tried a moment ago
hold-tenant-confirmed = Waiting for your confirmation
hold-staggered = One after the other, in a moment

## More of bills and use
usage = Usage
usage-by-day = By day
bill-open = To date
bill-open-note = This month is not billed yet: these are its lines as they stand.
bill-held = This bill is held: { $reasons }.
cash-recharge = Recharge
cash-refund = Refund
cash-reversal = Reversal
cash-posting = Posting
cash-credited = Credited
shared-kwh = { $kwh } kWh
own-kwh = { $kwh } kWh
pool-line = Your part of { $total } kWh and { $sum } ({ $rule })
rule-versions = rule version { $versions }
line-working = { $quantity } { $unit } × { $price } = { $amount }
line-working-days = { $quantity } { $unit } × { $price } × { $days } of { $of } days = { $amount }
line-interpolated = { $kwh } kWh of it is interpolated: no reading came in that time.
unit-kWh = kWh
unit-kW = kW
unit-day = days
unit-month = month
component-energy = Energy
component-adder = Levy
component-demand = Demand
component-fixed = Standing charge
component-minimum = Minimum
component-surcharge = Surcharge
component-rounding = Rounding
component-share = Share
col-month = Month
col-charges = Charges
col-shared = Shared
col-reference = Reference
tier-now = now
tiers-of = { $used } kWh since the start of the { $window }
window-month = month
window-year = year
window-day = day
window-none = tenancy
payments-lead = What came in, and what went back.
own-and-shared = Your own use { $indoor }, shared costs { $shared }
line-how = How this is made up
line-tier = tier { $number }
line-tariff = Tariff { $tariff }, version { $version }
line-title = Line { $number }
line-readings = Down to the readings
month-whole = See the month
day-table = Days of the month
