lang = en
skip = Skip to the content
nav = Pages
sign-out = Sign out

## Dates and lengths of time
date = { $weekday } { $day } { $month }
date-short = { $weekday } { $day }
month = { $month } { $year }
weekday-mon = Mon
weekday-tue = Tue
weekday-wed = Wed
weekday-thu = Thu
weekday-fri = Fri
weekday-sat = Sat
weekday-sun = Sun
weekday-holiday = holidays
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
ago-now = just now
ago-minutes = { $count } min ago
ago-hours = { $count } h ago
ago-days = { $count } days ago
length-hours = { $hours } h
length-minutes = { $minutes } min
length-both = { $hours } h { $minutes } min
length-days = { $days } days

## Periods of tariffs that have common names
period-all = All day
period-day = Day
period-night = Night
period-peak = Peak
period-offpeak = Off-peak
period-valley = Valley
period-flat = Flat
period-sharp = Sharp peak
period-high = High
period-low = Low
period-weekend = Weekend

## Signing in
sign-in-title = Sign in
sign-in-lead = See your balance, use and bills.
sign-in-user = User name
sign-in-password = Password
sign-in-button = Sign in
sign-in-refused = That name and password do not go together. Check both, or ask for a link that signs you in once.
sign-in-locked = Too many attempts. Try again at { $until }.
sign-in-link = No password? Your building's manager can send you a link that signs you in once.
link-title = Welcome
link-lead = This link signs you in once, on this device.
link-button = Continue
link-refused = This link was used or has expired. Ask your building's manager for a new one.
no-account = Nothing is open to you yet. Ask your building's manager.

## Errors
error-not-found = There is no such page
error-not-found-mend = It may have moved, or it is not yours to see.
error-forbidden = This is not open to you
error-forbidden-mend = Your role does not include it. Ask your building's manager.
error-stale = This form is too old
error-stale-mend = Go back, load the page again, and send it once more. Nothing was changed.
error-unready = Not available at this moment
error-unready-mend = Nothing is lost. Try again in a minute.
error-home = To the start

## Places
place-home = Home
place-usage = Usage
place-bills = Bills
place-payments = Payments
place-site = Site
place-audit = Audit
place-books = Books
choose = Choose
