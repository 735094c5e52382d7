# Numbers of the R package spdep (Roger Bivand and others), for comparison only; writes name,place,value as CSV.
# Columbus, queen contiguity (columbus.gal), row-standardised unless said otherwise; place is the row from 1.
suppressPackageStartupMessages({
  library(spdep)
  library(spData)
})
columbus <- sf::st_read(system.file("shapes/columbus.shp", package = "spData"), quiet = TRUE)
nb <- poly2nb(columbus, snap = 1e-9)
w <- nb2listw(nb, style = "W")
b <- nb2listw(nb, style = "B")
out <- function(name, value) {
  for (i in seq_along(value)) cat(sprintf("%s,%d,%.15g\n", name, i, value[i]))
}
cat("name,place,value\n")
x <- columbus$CRIME
y <- columbus$INC
high <- factor(x > 35, labels = c("low", "high"))
free <- joincount.test(high, b, sampling = "free")
nonfree <- joincount.test(high, b, sampling = "nonfree")
for (i in 1:2) {
  out(paste0("join nonfree ", c("low", "high")[i]), nonfree[[i]]$estimate)
  out(paste0("join free ", c("low", "high")[i]), free[[i]]$estimate)
}
multi <- joincount.multi(high, b)
out("join mixed", multi["high:low", c("Joincount", "Expected", "Variance")])
out("lee", lee.test(x, y, w)$estimate)
out("lee z", lee.test(x, y, w)$statistic)
self <- nb2listw(include.self(nb), style = "W")
out("lee self", lee.test(x, y, self)$estimate)
out("local lee", lee(x, y, w, n = length(x))$localL)
out("localC", as.numeric(localC(x, w)))
out("localC mv", as.numeric(localC(cbind(x, y), w)))
p <- attr(localC_perm(x, w, nsim = 9999, iseed = 1), "pseudo-p")
out("localC E", p[, "E.Ci"])
h <- LOSH.cs(x, w)
out("losh", h[, "Hi"])
out("losh var", h[, "Var.Hi"])
out("losh p", h[, "Pr()"])
for (method in c("I", "C")) {
  found <- sp.correlogram(nb, x, order = 4, method = method, style = "W")$res
  out(paste("correlogram", method), found[, 1])
  out(paste("correlogram", method, "var"), found[, 3])
}
