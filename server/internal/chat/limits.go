package chat

// What clients are told of the rules, beside [Limits].
const (
	MaxUsernameChars = 64           // the default of [Limits]
	RequestRate      = historyRate  // requests of one connection, for history and the like, per second
	RequestBurst     = historyBurst // that many at once
	HistoryMessages  = maxHistory   // in one answer
)
