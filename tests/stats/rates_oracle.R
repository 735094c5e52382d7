# Empirical Bayes rates by the R package spdep and exact Poisson limits by base R, for comparison only.
# Writes one line of numbers each: events, population, global EB, local EB (spdep), local EB (geoda = TRUE),
# limits of poisson.test; then the links as pairs of row numbers. North Carolina, SIDS 1974.
suppressPackageStartupMessages({library(spdep); library(sf)})
nc <- st_read(system.file("shape/nc.shp", package = "sf"), quiet = TRUE)
nb <- poly2nb(nc, queen = TRUE)
e <- nc$SID74
n <- nc$BIR74
limits <- sapply(e, function(x) poisson.test(x)$conf.int)
links <- do.call(rbind, lapply(seq_along(nb), function(i) cbind(i, setdiff(nb[[i]], 0))))
say <- function(x) cat(sprintf("%.17g", x), "\n")
say(e); say(n); say(EBest(e, n)$estmm); say(EBlocal(e, n, nb)$est)
say(EBlocal(e, n, nb, geoda = TRUE)$est); say(limits[1, ]); say(limits[2, ])
say(links[, 1]); say(links[, 2])
