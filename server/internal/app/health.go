package app

import "time"

// healthInterval is how often the parts are asked whether they work.
const healthInterval = 500 * time.Millisecond

// watchHealth keeps the health report up to date until the node ends.
func (a *App) watchHealth() {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for {
		for part, ask := range a.topology.degraded() {
			a.health.Degrade(part, ask())
		}
		select {
		case <-ticker.C:
		case <-a.life.Done():
			return
		}
	}
}
