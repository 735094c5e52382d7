# What spdep prints for Columbus, as the tests of `like = "spdep"` expect it.
#   Rscript conventions_oracle.R > conventions_oracle.csv
# Events and population are made up from CRIME and HOVAL so that both sides have the same whole numbers.
suppressPackageStartupMessages({library(sf); library(spData); library(spdep)})
shape <- st_read(system.file("shapes/columbus.shp", package = "spData"), quiet = TRUE)
nb <- poly2nb(shape, snap = 1e-9)
w <- nb2listw(nb, style = "W"); b <- nb2listw(nb, style = "B")
star <- nb2listw(include.self(nb), style = "B")
x <- shape$CRIME
out <- function(name, values) cat(paste(name, seq_along(values), format(values, digits = 15), sep = ","), sep = "\n")
cat(paste0("# spdep ", packageVersion("spdep"), ", ", R.version.string, "\n"))
cat("name,row,value\n")
cat(paste0("links,1,", sum(card(nb)), "\n"))
local <- localmoran(x, w)
out("Ii", local[, 1]); out("Z.Ii", local[, 4]); out("p.Ii", local[, 5])
out("p.Ii.greater", localmoran(x, w, alternative = "greater")[, 5])
# classes of a variable for which the rules of quadrants differ
local <- localmoran(shape$INC, w)
out("hotspot.Ii", as.character(hotspot(local, Prname = colnames(local)[5], cutoff = 0.999, droplevels = FALSE)))
gstar <- localG(x, star, return_internals = TRUE)
inside <- attr(gstar, "internals")
out("Gstar", as.numeric(gstar)); out("p.Gstar", inside[, ncol(inside)])
gstar <- localG(shape$INC, star, return_internals = TRUE); inside <- attr(gstar, "internals")
out("hotspot.Gstar", as.character(hotspot(gstar, Prname = colnames(inside)[ncol(inside)], cutoff = 0.1, p.adjust = "none", droplevels = FALSE)))
out("G", as.numeric(localG(x, b)))
for (side in c("two.sided", "greater", "less")) {
  m <- moran.test(x, w, alternative = side); g <- geary.test(x, w, alternative = side)
  h <- globalG.test(x, b, alternative = side)
  out(paste0("moran.", side), c(m$estimate[1], m$statistic, m$p.value))
  out(paste0("geary.", side), c(g$estimate[1], g$statistic, g$p.value))
  out(paste0("globalG.", side), c(h$estimate[1], h$statistic, h$p.value))
}
events <- round(x); people <- round(100 * shape$HOVAL)
for (subtract in c(TRUE, FALSE)) {
  found <- suppressMessages(EBImoran.mc(events, people, w, nsim = 9, subtract_mean_in_numerator = subtract))
  out(paste0("EBImoran.", subtract), as.numeric(found$statistic))
}
