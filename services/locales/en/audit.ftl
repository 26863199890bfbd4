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

## A bank's statement
bank = Bank statement
bank-lead = A statement beside the log: what is there twice, what nobody knows, and what the bank does not have.
bank-paper = Statement
bank-paper-lead = CAMT.053 (XML), or CSV with the columns date, amount and, where there are any, reference, bank and text; up to about 100 kB at a time. Nothing is booked by looking.
bank-statement = The statement: paste it, or choose its file
bank-columns = Other names of CSV columns, as date=Booked,amount=Amount (optional)
bank-look = Compare it
bank-unreadable = The statement cannot be read in line { $line }.
bank-refused = A credit cannot be taken; nothing was booked.
bank-known = All of it was in the log already. Nothing was added.
bank-posted = { $count } payments are in suspense now.
bank-sums = Sums
bank-agrees = Statement and log agree.
bank-differs = Statement and log differ.
bank-unsaid = not said
bank-balances = opening { $opening }, credits { $credits }, debits { $debits }, closing { $closing }
bank-will = Nothing is booked yet. { $count } credits of { $sum } that nobody knows go into suspense, each once, where they can be given to an account.
bank-may = Nothing is booked yet. A manager can put { $count } credits of { $sum } that nobody knows into suspense.
bank-post = Put them into suspense
bank-count = Rows
bank-matched = Matched
bank-other-amount = Another amount
bank-unmatched = Nobody knows it
bank-duplicate = Came twice
bank-missing = Not on the statement
bank-missing-lead = Of the days that it covers, the log has these, and the bank has not.
bank-rows = Rows
bank-no-row = The statement has no row.
bank-line = Line
bank-text = Text
bank-ours = In the log

## What is owed at a date
owed-open = Charges are booked up to { $day }: what was used since is not in these balances yet.
