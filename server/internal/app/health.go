package app

import (
	"maps"
	"time"
)

// healthInterval is how often the parts are asked whether they work.
const healthInterval = 500 * time.Millisecond

// watchHealth keeps the health report up to date until the node ends.
func (a *App) watchHealth() {
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	for {
		for part, ask := range a.degraded() {
			a.health.Degrade(part, ask())
		}
		select {
		case <-ticker.C:
		case <-a.life.Done():
			return
		}
	}
}

// degraded returns a question for each part of the node that can be degraded.
func (a *App) degraded() map[string]func() string {
	all := map[string]func() string{"capacity": a.rooms.Degraded}
	if a.certificate != nil {
		all["certificate"] = a.certificate.Degraded
	}
	maps.Copy(all, a.topology.degraded())
	return all
}
