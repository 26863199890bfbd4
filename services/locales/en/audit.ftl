## Where a bill stands in the log
proof = In the log
proof-stands = This bill is event { $position } of the { $size } in the site's log.
proof-leaf = Hash of the bill
proof-root = Root over all events
proof-means = The proof holds the bill as it is stored and the hashes beside its way to the root. Whoever knows a root can compute it again from them; hashes say nothing of what others use.
proof-download = Download the proof (JSON)

## The evidence as a file
bundle = The evidence as a file
bundle-lead = All events of the site in their order, as they are stored, with the root over them. It holds all that is needed to compute every bill again, time zones too; so it also holds everybody's readings.
bundle-size = Events
bundle-verify = Check it anywhere, without this service: tallywatt verify FILE
bundle-not = It has no signature yet: that others saw the same log shows only where the root was noted elsewhere. Signed checkpoints, witnesses and a bill that proves itself are a later step.
bundle-download = Download the bundle

## What was known when
known = What was known when
known-lead = The same figures by what the log knew at an instant, whatever came later; and what changed between two instants, by which event, who and why.
known-question = Question
known-how = Empty means now. Write a time of the site such as 2026-03-05T14:00, a day (to its end), or the number of an event.
known-about = What
known-rules = Tariffs and rules
known-pool = A pool's day
known-bill = Bill
known-balance = Account
known-day = On the day
known-at = As known at
known-other = Compared with what was known at
known-by = As known at { $time }, by events up to { $position }
known-unreadable = That is no time, day or event number, or no day.
known-nothing = Nothing was known of it then. Name a later time, or another day.
known-tariffs = Tariff of each point
known-pools = Rule of each pool
known-number = Bill number
known-no-row = Nothing was posted by then.
known-differs = What differs
known-same = Nothing differs.
known-between = What came in between
known-readings = Beside these facts, { $count } events of readings came in between; a late reading changes a day, too.
known-point = Point
known-tariff = Tariff
known-version = Version
known-since = Since
known-pool-name = Pool
known-rule = Rule
known-line = Line

## What is owed at a date
owed-open = Charges are booked up to { $day }: what was used since is not in these balances yet.
