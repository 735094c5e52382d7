"""Run by the system's Python, which has PyQGIS: opens files as QGIS does and says what it found, as JSON.

QT_QPA_PLATFORM=offscreen python3 qgis_reads.py FILE [FOLDER_FOR_PICTURES] [LAYER ...]
"""

import json
import sys
from collections import Counter
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsExpressionContextUtils,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRenderContext,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage, QPainter


def describe(layer):
    """The style that QGIS has loaded, and in which of its classes each feature falls."""
    renderer = layer.renderer()
    found = {"valid": layer.isValid(), "renderer": renderer.type(), "features": layer.featureCount()}
    if renderer.type() != "categorizedSymbol":
        return found
    context = QgsRenderContext()
    context.expressionContext().appendScope(QgsExpressionContextUtils.layerScope(layer))
    renderer.startRender(context, layer.fields())
    counts = Counter()
    for feature in layer.getFeatures():
        drawn = renderer.symbolForFeature(feature, context)
        counts[None if drawn is None else int(feature[renderer.classAttribute()])] += 1
    renderer.stopRender(context)
    found["field"] = renderer.classAttribute()
    found["undrawn"] = counts.pop(None, 0)
    found["classes"] = [
        {
            "code": int(category.value()),
            "label": category.label(),
            "colour": category.symbol().symbolLayer(0).color().name().upper(),
            "parts": [part.layerType() for part in category.symbol().symbolLayers()],
            "areas": counts[int(category.value())],
        }
        for category in renderer.categories()
    ]
    return found


def describe_raster(file):
    """Upper end or number of each class that QGIS shows of a raster, with its colour and label."""
    layer = QgsRasterLayer(file, "raster")
    renderer = layer.renderer()
    if renderer.type() == "paletted":
        rows = [(c.value, c.color.name(), c.label) for c in renderer.classes()]
    else:
        items = renderer.shader().rasterShaderFunction().colorRampItemList()
        rows = [(str(i.value), i.color.name(), i.label) for i in items]
    return {"valid": layer.isValid(), "renderer": renderer.type(), "classes": rows}


def draw(layer, path):
    """The layer as QGIS draws it."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setBackgroundColor(QColor("#FBFAF8"))
    settings.setOutputSize(QSize(900, 800))
    settings.setDestinationCrs(layer.crs())
    extent = layer.extent()
    extent.scale(1.05)
    settings.setExtent(extent)
    settings.setOutputDpi(96)
    image = QImage(QSize(900, 800), QImage.Format_ARGB32)
    image.fill(QColor("#FBFAF8").rgb())
    painter = QPainter(image)
    job = QgsMapRendererCustomPainterJob(settings, painter)
    job.renderSynchronously()
    painter.end()
    image.save(str(path))


def main(file, pictures=None, *names):
    app = QgsApplication([], False)
    app.initQgis()
    found = {"": describe_raster(file)} if file.endswith(".tif") else {}
    for name in () if found else names or [""]:
        source = f"{file}|layername={name}" if name else file
        layer = QgsVectorLayer(source, name or Path(file).stem, "ogr")
        found[name] = describe(layer) if layer.isValid() else {"valid": False}
        if pictures and layer.isValid():
            draw(layer, Path(pictures) / f"{Path(file).stem}-{name or 'layer'}.png")
        del layer
    print(json.dumps(found))
    app.exitQgis()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] or None, *sys.argv[3:])
